package main

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"os"

	"example.com/tour/booking/pb"
	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
)

const subject = "trips.booked"

var tracer = otel.Tracer("booking")

type server struct {
	pb.UnimplementedBookingServer
	nc *nats.Conn
}

func main() {
	ctx := context.Background()
	provider := startTracing(ctx)
	defer func() { _ = provider.Shutdown(ctx) }()
	nc, err := nats.Connect(os.Getenv("NATS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	listener, err := net.Listen("tcp", ":9090")
	if err != nil {
		log.Fatal(err)
	}
	s := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler()))
	pb.RegisterBookingServer(s, &server{nc: nc})
	log.Fatal(s.Serve(listener))
}

func (s *server) Book(ctx context.Context, request *pb.BookRequest) (*pb.BookReply, error) {
	if err := s.announce(ctx, request.Trip); err != nil {
		return nil, err
	}
	return &pb.BookReply{Id: "booked " + request.Trip}, nil
}

func (s *server) announce(ctx context.Context, trip string) error {
	ctx, span := tracer.Start(ctx, "announce", trace.WithSpanKind(trace.SpanKindProducer))
	defer span.End()
	body, err := json.Marshal(map[string]string{"trip": trip})
	if err != nil {
		return err
	}
	msg := &nats.Msg{Subject: subject, Data: body, Header: nats.Header{}}
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(msg.Header))
	return s.nc.PublishMsg(msg)
}
