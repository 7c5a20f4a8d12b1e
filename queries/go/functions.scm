; Functions, methods and the method specs of interfaces: run on one such node alone.
(function_declaration
  name: (identifier) @name
  parameters: (parameter_list) @parameters
  result: (_)? @result
  body: (block)? @body)

(method_declaration
  receiver: (parameter_list) @receiver
  name: (field_identifier) @name
  parameters: (parameter_list) @parameters
  result: (_)? @result
  body: (block)? @body)

(method_elem
  name: (field_identifier) @name
  parameters: (parameter_list) @parameters
  result: (_)? @result)
