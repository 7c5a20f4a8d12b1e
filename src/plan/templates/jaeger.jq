[.data[]? | .processes as $processes | .spans[]?
  | (.references // []) as $references
  | {
      id: .spanID,
      parent: ((($references | map(select(.refType == "CHILD_OF"))[0]) // $references[0]) | .spanID? // ""),
      service: ($processes[.processID].serviceName // "")
    }]
