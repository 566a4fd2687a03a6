"""celery runs tasks at once, in the process that asks for them."""

from celery import Celery

app = Celery("shop", broker="memory://localhost/", backend="cache+memory://")
app.conf.task_always_eager = True


@app.task(name="shop.add")
def add(one, other):
    return one + other


@app.task(name="shop.fail")
def fail():
    raise ValueError("out of stock")


print(add.delay(1, 2).get())
print(type(fail.delay().result).__name__)
