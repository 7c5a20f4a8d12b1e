package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"example.com/tour/frontdoor/pb"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

type server struct {
	booking pb.BookingClient
}

func main() {
	ctx := context.Background()
	provider := startTracing(ctx)
	defer func() { _ = provider.Shutdown(ctx) }()
	conn, err := grpc.NewClient(os.Getenv("BOOKING_ADDR"),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
	if err != nil {
		log.Fatal(err)
	}
	s := &server{booking: pb.NewBookingClient(conn)}
	mux := http.NewServeMux()
	mux.HandleFunc("/trips", s.trips)
	log.Fatal(http.ListenAndServe(":8080", otelhttp.NewHandler(mux, "frontdoor")))
}

func (s *server) trips(w http.ResponseWriter, r *http.Request) {
	reply, err := s.booking.Book(r.Context(), &pb.BookRequest{Trip: r.URL.Query().Get("trip")})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = w.Write([]byte(reply.Id + "\n"))
}
