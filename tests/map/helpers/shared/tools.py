import os

import requests


def pages():
    return requests.get(f"http://{os.environ['PAGES']}/all")
