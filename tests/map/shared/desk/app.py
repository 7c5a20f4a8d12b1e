from flask import Flask
from shop_common.queue import ShopCelery

app = Flask(__name__)
queue = ShopCelery()


@app.post("/flyers")
def flyers():
    queue.send_task(name="print-flyer", args=("a",))
    return "", 202
