[(.trace.resourceSpans? // .batches // .resourceSpans // [])[]
  | ([.resource.attributes[]? | select(.key == "service.name") | .value.stringValue][0] // "") as $service
  | (.scopeSpans // .instrumentationLibrarySpans // [])[] | .spans[]?
  | {id: .spanId, parent: (.parentSpanId // ""), service: $service}]
