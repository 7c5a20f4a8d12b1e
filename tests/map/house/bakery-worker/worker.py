from celery import Celery, shared_task

queue = Celery("bakery")


@queue.task(name="pack-loaf")
def pack(loaf):
    print("packed", loaf)


@shared_task
def label(loaf):
    print("labelled", loaf)
