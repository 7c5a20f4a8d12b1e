import asyncio

from fastapi import FastAPI

app = FastAPI()


@app.post("/messages")
async def send(message: dict):
    await asyncio.sleep(0.01)
    return {"sent": message["trip"]}
