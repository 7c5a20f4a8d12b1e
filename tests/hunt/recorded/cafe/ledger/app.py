from flask import Flask, request

app = Flask(__name__)
entries = []


@app.post("/entries")
def add():
    entries.append(request.args["item"])
    return {"count": len(entries)}
