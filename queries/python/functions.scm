; A function or method. Run on one definition at a time.
(function_definition
  "async"? @async
  name: (identifier) @name
  parameters: (parameters)? @parameters
  return_type: (type)? @result
  body: (block)? @body)
