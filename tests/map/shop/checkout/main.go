package main

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

type checkout struct {
	emailAddr   string
	paymentAddr string
	traced      *http.Client
	plain       *http.Client
}

func mapEnv(target *string, name string) {
	*target = os.Getenv(name)
}

func main() {
	provider := sdktrace.NewTracerProvider()
	defer func() { _ = provider.Shutdown(context.Background()) }()
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	svc := &checkout{
		traced: &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)},
		plain:  &http.Client{},
	}
	mapEnv(&svc.emailAddr, "EMAIL_ADDR")
	mapEnv(&svc.paymentAddr, "PAYMENT_ADDR")
	mux := http.NewServeMux()
	mux.HandleFunc("/order", svc.order)
	log.Print(http.ListenAndServe(":8080", otelhttp.NewHandler(mux, "checkout")))
}

func (c *checkout) order(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := c.send(ctx, c.traced, c.paymentAddr+"/charge"); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.emailAddr+"/send", bytes.NewReader(nil))
	if err != nil {
		return
	}
	if _, err := c.plain.Do(request); err != nil {
		log.Print(err)
	}
}

func (c *checkout) send(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(nil))
	if err != nil {
		return err
	}
	_, err = client.Do(request)
	return err
}
