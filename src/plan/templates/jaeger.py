def spans_of(answer):
    """The spans of an answer of Jaeger: id, id of the parent, service."""
    for trace in answer.get("data") or []:
        processes = trace.get("processes") or {}
        for span in trace.get("spans") or []:
            references = span.get("references") or []
            children = [one for one in references if one.get("refType") == "CHILD_OF"]
            parent = (children or references or [{}])[0].get("spanID", "")
            service = (processes.get(span.get("processID")) or {}).get("serviceName", "")
            yield span["spanID"], parent, service
