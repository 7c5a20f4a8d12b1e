import os

import requests
from flask import Flask, request

app = Flask(__name__)


@app.get("/price")
def price():
    item = request.args["item"]
    answer = requests.get(os.environ["TAX_URL"] + "/tax", params={"item": item}, timeout=5)
    return {"item": item, "price": 3, "tax": answer.json()["tax"]}
