import Base

extension ExpressionGraph {
  /// Opens the user functions; when one fails, those before it are closed again.
  func openFunctions() throws(Failure) {
    for (index, function) in functions.enumerated() {
      do throws(Failure) {
        try function.open()
      } catch {
        for opened in functions[..<index] { try? opened.close() }
        throw error
      }
    }
  }

  /// Closes every user function, and then throws the first failure.
  func closeFunctions() throws(Failure) {
    var first: Failure?
    for function in functions {
      do throws(Failure) { try function.close() } catch { first = first ?? error }
    }
    if let first { throw first }
  }
}
