fun main() = println("press")
