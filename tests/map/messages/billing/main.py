import asyncio

from aiokafka import AIOKafkaConsumer

TOPIC = "orders.placed"


async def main():
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers="kafka:9092", group_id="billing")
    await consumer.start()
    async for message in consumer:
        print(message.value)


asyncio.run(main())
