import os

import requests
from fastapi import FastAPI

app = FastAPI()
CARRIER = os.environ["CARRIER_URL"]


@app.post("/send")
def send():
    return requests.post(f"{CARRIER}/mail", timeout=5).status_code
