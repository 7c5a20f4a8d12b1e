from concurrent import futures

import grpc

import till_pb2_grpc


class Till(till_pb2_grpc.TillServicer):
    def Pay(self, request, context):
        return request


server = grpc.server(futures.ThreadPoolExecutor())
till_pb2_grpc.add_TillServicer_to_server(Till(), server)
server.add_insecure_port("[::]:50051")
server.start()
server.wait_for_termination()
