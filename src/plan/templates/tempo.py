def spans_of(answer):
    """The spans of an answer of Tempo: id, id of the parent, service."""
    trace = answer.get("trace") or answer
    for batch in trace.get("resourceSpans") or trace.get("batches") or []:
        attributes = (batch.get("resource") or {}).get("attributes") or []
        named = [one["value"].get("stringValue", "") for one in attributes if one.get("key") == "service.name"]
        service = named[0] if named else ""
        for scope in batch.get("scopeSpans") or batch.get("instrumentationLibrarySpans") or []:
            for span in scope.get("spans") or []:
                yield span["spanId"], span.get("parentSpanId") or "", service
