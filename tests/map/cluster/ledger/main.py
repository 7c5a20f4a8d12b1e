from flask import Flask

app = Flask(__name__)


@app.route("/entries")
def entries():
    return ""


app.run(port=8080)
