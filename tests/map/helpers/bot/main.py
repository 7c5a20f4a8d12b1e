import os

import requests
import tools
from opentelemetry import trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from pydantic import BaseModel


class Config(BaseModel):
    desk: str
    timeout: int = 3


class Bot:
    def __init__(self, config: Config):
        self.config = config

    def ask(self):
        tools.pages()
        return requests.post(self.config.desk, timeout=self.config.timeout)


def main():
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({SERVICE_NAME: "helper"})))
    RequestsInstrumentor().instrument()
    desk = f"http://{os.getenv('DESK_HOST', '0.0.0.0')}:{os.getenv('DESK_PORT', '8010')}/ask"
    Bot(Config(desk=desk)).ask()


if __name__ == "__main__":
    main()
