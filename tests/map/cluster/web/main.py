import os

import grpc
import requests
from flask import Flask

import till_pb2_grpc

app = Flask(__name__)
app.config["LEDGER_URL"] = "http://{}/entries".format(os.environ.get("LEDGER_ADDR"))


@app.route("/entries")
def entries():
    return requests.get(app.config["LEDGER_URL"], timeout=5).text


@app.route("/pay")
def pay():
    channel = grpc.insecure_channel(f"{os.environ['TILL_HOST']}:50051")
    return till_pb2_grpc.TillStub(channel).Pay(None)
