import os

from celery import Celery
from fastapi import FastAPI

app = FastAPI()
queue = Celery("desk", broker=os.environ["BROKER_URL"])


@app.post("/jobs")
def order(pages: int):
    job = queue.send_task("jobs.print_pages", args=[pages])
    return {"job": job.id}
