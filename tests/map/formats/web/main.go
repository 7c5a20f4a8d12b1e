package main

import (
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
)

var client = &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}

func buy(w http.ResponseWriter, r *http.Request) {
	pay, _ := http.NewRequestWithContext(r.Context(), "POST", os.Getenv("TILL_ADDR")+"/pay", nil)
	client.Do(pay)
	note, _ := http.NewRequestWithContext(r.Context(), "POST", os.Getenv("BOOKS_ADDR")+"/note", nil)
	client.Do(note)
}

func main() {
	otel.SetTracerProvider(trace.NewTracerProvider())
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(b3.New(), propagation.Baggage{}))
	http.Handle("/buy", otelhttp.NewHandler(http.HandlerFunc(buy), "buy"))
	http.ListenAndServe(":8080", nil)
}
