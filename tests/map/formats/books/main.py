from flask import Flask
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.propagate import set_global_textmap
from opentelemetry.propagators.b3 import B3MultiFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

trace.set_tracer_provider(TracerProvider())
set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), B3MultiFormat()]))
app = Flask(__name__)
FlaskInstrumentor().instrument_app(app)


@app.post("/note")
def note():
    return "noted"


app.run(host="0.0.0.0", port=81)
