# One trace must go through: @TITLE@
#
@NOTES@#
# Sends one request with a trace id of its own, waits until the spans are exported, and asserts that each service has a
# span below those of the service before it. Run it with pytest; it needs nothing else.
#
# Settings, as environment variables: ENTRY_URL, BACKEND_URL, METHOD, BODY, CONTENT_TYPE, TIMEOUT and INTERVAL (seconds).
import base64
import json
import os
import secrets
import time
import urllib.error
import urllib.request

ENTRY_URL = os.environ.get("ENTRY_URL", @ENTRY@)
BACKEND_URL = os.environ.get("BACKEND_URL", @BACKEND@)
METHOD = os.environ.get("METHOD", "GET")
BODY = os.environ.get("BODY", "")
CONTENT_TYPE = os.environ.get("CONTENT_TYPE", "application/json")
TIMEOUT = float(os.environ.get("TIMEOUT", "60"))
INTERVAL = float(os.environ.get("INTERVAL", "2"))
MAX_ANSWER = 64 * 1024 * 1024

# The names of the services as their spans carry them, in order.
SERVICES = [
@SERVICES@]
HEADERS = {
@HEADERS@}


@SPANS@

def new_ids():
    # The first digit is not 0, as some backends leave leading zeros out.
    trace, span = "1" + secrets.token_hex(16)[1:], "1" + secrets.token_hex(8)[1:]
    return {
        "trace": trace,
        "span": span,
        "trace_high": trace[:16],
        "trace_low": trace[16:],
        "trace_epoch": trace[:8],
        "trace_rest": trace[8:],
        "trace_dec": str(int(trace[16:], 16)),
        "span_dec": str(int(span, 16)),
    }


def send(ids):
    headers = {name: value.format(**ids) for name, value in HEADERS.items()}
    if BODY:
        headers["Content-Type"] = CONTENT_TYPE
    request = urllib.request.Request(ENTRY_URL, method=METHOD, data=BODY.encode() or None, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        # Whatever it answers, it has made spans.
        return error.code


def above(own, span, parents, services, sent):
    """The service on the journey that a span is below, "" for the request itself, None for none."""
    for _ in range(500):
        if span in sent:
            return ""
        if span not in parents:
            return None
        if services[span] != own and services[span] in SERVICES:
            return services[span]
        span = parents[span]
    return None


def complaints(answer, ids):
    """What is wrong with the trace."""
    sent = {ids["span"], base64.b64encode(bytes.fromhex(ids["span"])).decode()}
    parents, services = {}, {}
    for span, parent, service in spans_of(answer):
        parents[span], services[span] = parent, service
    wrong = []
    for at, name in enumerate(SERVICES):
        wanted = SERVICES[at - 1] if at else ""
        own = [span for span, service in services.items() if service == name]
        if not own:
            wrong.append(f"{name} has no span in the trace")
        elif not any(above(name, parents[span], parents, services, sent) == wanted for span in own):
            before = f"one of {wanted}" if at else "the request that was sent"
            wrong.append(f"no span of {name} is below {before}")
    return wrong


def look(ids):
    request = urllib.request.Request(f"{BACKEND_URL}/api/traces/{ids['trace']}", headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return complaints(json.loads(answer.read(MAX_ANSWER)), ids)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return [f"no span of the trace has arrived at {BACKEND_URL}"]
        return [f"{BACKEND_URL} answers {error.code}"]
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        return [f"{BACKEND_URL} gives no trace: {error!r}"]


def test_one_trace_goes_through_the_journey():
    ids = new_ids()
    status = send(ids)
    print(f"trace {ids['trace']}: {METHOD} {ENTRY_URL} answers {status}")
    end = time.monotonic() + TIMEOUT
    wrong = look(ids)
    while wrong and time.monotonic() < end:
        time.sleep(INTERVAL)
        wrong = look(ids)
    assert not wrong, "\n".join(wrong)
