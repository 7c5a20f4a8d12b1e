package main

import (
	"context"
	"io"
	stdlog "log"
	"net/http"

	kitopentracing "github.com/go-kit/kit/tracing/opentracing"
	kithttp "github.com/go-kit/kit/transport/http"
	"github.com/go-kit/log"
	"github.com/gorilla/mux"
	"github.com/opentracing/opentracing-go"
	jaeger "github.com/uber/jaeger-client-go"
)

func sales(ctx context.Context, _ interface{}) (interface{}, error) {
	span, _ := opentracing.StartSpanFromContext(ctx, "sales")
	defer span.Finish()
	return []string{"apple"}, nil
}

func handler(tracer opentracing.Tracer) http.Handler {
	options := []kithttp.ServerOption{kithttp.ServerErrorEncoder(kithttp.DefaultErrorEncoder)}
	r := mux.NewRouter().StrictSlash(false)
	r.Methods("GET").Path("/sales").Handler(kithttp.NewServer(
		sales,
		kithttp.NopRequestDecoder,
		kithttp.EncodeJSONResponse,
		append(options, kithttp.ServerBefore(kitopentracing.HTTPToContext(tracer, "GET /sales", log.NewNopLogger())))...,
	))
	return r
}

func tracer() (opentracing.Tracer, io.Closer) {
	return jaeger.NewTracer("till", jaeger.NewConstSampler(true), jaeger.NewNullReporter())
}

func main() {
	tracer, closer := tracer()
	defer func() { _ = closer.Close() }()
	opentracing.SetGlobalTracer(tracer)
	stdlog.Print(http.ListenAndServe(":80", handler(tracer)))
}
