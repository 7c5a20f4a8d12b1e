import os


class Config:
    OVEN_API_HOST = os.environ.get("OVEN_API_HOST", "http://localhost:6013")
    RECIPES = "recipes"


class Test(Config):
    OVEN_API_HOST = "http://oven.test-bakery.org.uk"
