from flask import Flask

app = Flask("oven")


@app.post("/loaves")
def loaves():
    return {"state": "baking"}
