import tracing  # noqa: F401
import os

import requests
from celery import Celery

app = Celery("jobs", broker=os.environ["BROKER_URL"])


@app.task(name="jobs.print_pages")
def print_pages(pages):
    for page in range(pages):
        send(page)


def send(page):
    requests.post(os.environ["PRESS_URL"] + "/pages", json={"page": page}, timeout=5)
