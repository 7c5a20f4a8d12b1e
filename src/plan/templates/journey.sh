#!/usr/bin/env bash
# One trace must go through: @TITLE@
#
@NOTES@#
# Sends one request with a trace id of its own, waits until the spans are exported, and asserts that each service has a
# span below those of the service before it. Needs bash, curl and jq.
#
# Settings, as environment variables: ENTRY_URL, BACKEND_URL, METHOD, BODY, CONTENT_TYPE, TIMEOUT and INTERVAL (seconds).
# Exit status: 0 the trace goes through, 1 it does not, 2 it could not be tested.
set -euo pipefail

default_entry=@ENTRY@
default_backend=@BACKEND@
ENTRY_URL=${ENTRY_URL:-$default_entry}
BACKEND_URL=${BACKEND_URL:-$default_backend}
METHOD=${METHOD:-GET}
BODY=${BODY:-}
CONTENT_TYPE=${CONTENT_TYPE:-application/json}
TIMEOUT=${TIMEOUT:-60}
INTERVAL=${INTERVAL:-2}

# The names of the services as their spans carry them, in order.
services=(
@SERVICES@)

for tool in curl jq od base64; do
  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done

hex() { od -An -v -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
decimal() { printf '%u' "0x$1"; }

# The first digit is not 0, as some backends leave leading zeros out.
trace=$(hex 16) && trace=1${trace:1}
span=$(hex 8) && span=1${span:1}
trace_high=${trace:0:16} trace_low=${trace:16} trace_epoch=${trace:0:8} trace_rest=${trace:8}
trace_dec=$(decimal "$trace_low") span_dec=$(decimal "$span")
: "$trace_high" "$trace_epoch" "$trace_rest" "$trace_dec" "$span_dec"
span_base64=$(printf '%b' "$(printf '%s' "$span" | sed 's/../\\x&/g')" | base64)

headers=(
@HEADERS@)
body=()
if [ -n "$BODY" ]; then
  body=(-H "Content-Type: $CONTENT_TYPE" --data-binary "$BODY")
fi

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

status=$(curl -sS --globoff -o /dev/null -w '%{http_code}' --max-time 30 -X "$METHOD" \
  "${headers[@]}" ${body[@]+"${body[@]}"} "$ENTRY_URL") || { echo "no answer from $ENTRY_URL" >&2; exit 2; }
echo "trace $trace: $METHOD $ENTRY_URL answers $status"

# Reads the backend's answer and prints what is wrong with the trace.
complaints() {
  jq -r --arg hex "$span" --arg base64 "$span_base64" --args '
def spans: @SPANS@;
$ARGS.positional as $services
| spans as $spans
| ($spans | map({key: .id, value: .}) | from_entries) as $by_id
# The service on the journey that a span is below, "" for the request itself, null for none.
| def above($own; $id; $depth):
    if $id == $hex or $id == $base64 then ""
    elif $depth > 500 or $by_id[$id] == null then null
    else $by_id[$id] as $span
      | if $span.service != $own and ($services | index($span.service)) != null then $span.service
        else above($own; $span.parent; $depth + 1) end
    end;
  range($services | length) as $at
  | $services[$at] as $name
  | (if $at == 0 then "" else $services[$at - 1] end) as $wanted
  | [$spans[] | select(.service == $name)] as $own
  | if ($own | length) == 0 then "\($name) has no span in the trace"
    elif any($own[]; above($name; .parent; 0) == $wanted) then empty
    elif $at == 0 then "no span of \($name) is below the request that was sent"
    else "no span of \($name) is below one of \($wanted)" end
' "${services[@]}" <"$answer"
}

end=$((SECONDS + TIMEOUT))
while :; do
  code=$(curl -s --globoff -o "$answer" -w '%{http_code}' --max-time 10 --max-filesize 67108864 \
    -H 'Accept: application/json' "$BACKEND_URL/api/traces/$trace") || code=000
  result=1
  case $code in
    200) wrong=$(complaints 2>/dev/null) || { wrong="the answer of $BACKEND_URL is no trace"; result=2; } ;;
    404) wrong="no span of the trace has arrived at $BACKEND_URL" ;;
    000) wrong="no answer from $BACKEND_URL"; result=2 ;;
    *) wrong="$BACKEND_URL answers $code"; result=2 ;;
  esac
  if [ -z "$wrong" ]; then
    echo "the trace goes through: ${services[*]}"
    exit 0
  fi
  [ "$SECONDS" -lt "$end" ] || break
  sleep "$INTERVAL"
done
printf '%s\n' "$wrong" >&2
exit "$result"
