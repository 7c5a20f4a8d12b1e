import requests
from celery import Celery
from flask import Flask, current_app

from app.config import Config

queue = Celery("bakery")


class OvenClient:
    def __init__(self, app):
        self.host = app.config["OVEN_API_HOST"]

    def bake(self, loaf):
        return requests.post(f"{self.host}/loaves?back={current_app.config['RECIPES']}", json=loaf).json()


def create_app():
    app = Flask("web")
    app.config.from_object(Config)
    client = OvenClient(app)

    @app.post("/orders/<loaf>")
    def order(loaf):
        queue.send_task(name="pack-loaf", args=(loaf,))
        queue.send_task("worker.label", args=(loaf,))
        return client.bake(loaf)

    return app
