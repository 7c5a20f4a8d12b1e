from flask import Flask, request

app = Flask(__name__)


@app.post("/pages")
def page():
    return {"printed": request.json["page"]}
