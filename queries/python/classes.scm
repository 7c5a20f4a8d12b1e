; A class. Run on one definition at a time.
(class_definition
  name: (identifier) @name
  superclasses: (argument_list)? @supers
  body: (block)? @body)
