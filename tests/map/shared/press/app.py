from shop_common.queue import ShopCelery

queue = ShopCelery()


@queue.task(name="print-flyer")
def print_flyer(text):
    return len(text)
