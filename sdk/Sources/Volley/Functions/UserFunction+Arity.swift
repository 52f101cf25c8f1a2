import VolleyPlan

// One overload per number of arguments: a loop specialised for two doubles runs at about ten times the speed of the same
// loop over a parameter pack.

/// A function of one argument for expressions, called once a row in a loop that is compiled for its types.
///
/// Where an argument that is not optional is null, the function is not called and the result is null.
///
/// - Parameters:
///   - name: its name in plans and messages, unique in the pipeline.
///   - body: may be called on several threads at a time; an error that it throws stops the job.
@inlinable
public func udf<A: FunctionValue, R: FunctionValue, Failure: Error>(
  _ name: String, _ body: @escaping @Sendable (A) throws(Failure) -> R
) -> UserFunction<ColumnExpression> {
  UserFunction(
    name, parameters: [FunctionParameter(A.self)], result: FunctionParameter(R.self)
  ) { arguments in
    let a = ArgumentCursor<A>(arguments, 0)
    var result = ResultCursor<R>(arguments)
    if let valid = result.valid {
      for row in 0..<arguments.rowCount {
        if Bits.get(valid, row) {
          result.put(try body(a[row]), row)
        } else {
          result.skip(row)
        }
      }
    } else {
      for row in 0..<arguments.rowCount { result.put(try body(a[row]), row) }
    }
    return result.finish(arguments.rowCount)
  }
}

extension UserFunction where Arguments == ColumnExpression {
  public func callAsFunction(_ a: ColumnExpression) -> ColumnExpression { call([a]) }
}

/// A function of two arguments for expressions, called once a row in a loop that is compiled for its types.
///
/// Where an argument that is not optional is null, the function is not called and the result is null.
///
/// - Parameters:
///   - name: its name in plans and messages, unique in the pipeline.
///   - body: may be called on several threads at a time; an error that it throws stops the job.
@inlinable
public func udf<A: FunctionValue, B: FunctionValue, R: FunctionValue, Failure: Error>(
  _ name: String, _ body: @escaping @Sendable (A, B) throws(Failure) -> R
) -> UserFunction<(ColumnExpression, ColumnExpression)> {
  UserFunction(
    name, parameters: [FunctionParameter(A.self), FunctionParameter(B.self)], result: FunctionParameter(R.self)
  ) { arguments in
    let a = ArgumentCursor<A>(arguments, 0)
    let b = ArgumentCursor<B>(arguments, 1)
    var result = ResultCursor<R>(arguments)
    if let valid = result.valid {
      for row in 0..<arguments.rowCount {
        if Bits.get(valid, row) {
          result.put(try body(a[row], b[row]), row)
        } else {
          result.skip(row)
        }
      }
    } else {
      for row in 0..<arguments.rowCount { result.put(try body(a[row], b[row]), row) }
    }
    return result.finish(arguments.rowCount)
  }
}

extension UserFunction where Arguments == (ColumnExpression, ColumnExpression) {
  public func callAsFunction(_ a: ColumnExpression, _ b: ColumnExpression) -> ColumnExpression { call([a, b]) }
}

/// A function of three arguments for expressions, called once a row in a loop that is compiled for its types.
///
/// Where an argument that is not optional is null, the function is not called and the result is null.
///
/// - Parameters:
///   - name: its name in plans and messages, unique in the pipeline.
///   - body: may be called on several threads at a time; an error that it throws stops the job.
@inlinable
public func udf<A: FunctionValue, B: FunctionValue, C: FunctionValue, R: FunctionValue, Failure: Error>(
  _ name: String, _ body: @escaping @Sendable (A, B, C) throws(Failure) -> R
) -> UserFunction<(ColumnExpression, ColumnExpression, ColumnExpression)> {
  UserFunction(
    name, parameters: [FunctionParameter(A.self), FunctionParameter(B.self), FunctionParameter(C.self)],
    result: FunctionParameter(R.self)
  ) { arguments in
    let a = ArgumentCursor<A>(arguments, 0)
    let b = ArgumentCursor<B>(arguments, 1)
    let c = ArgumentCursor<C>(arguments, 2)
    var result = ResultCursor<R>(arguments)
    if let valid = result.valid {
      for row in 0..<arguments.rowCount {
        if Bits.get(valid, row) {
          result.put(try body(a[row], b[row], c[row]), row)
        } else {
          result.skip(row)
        }
      }
    } else {
      for row in 0..<arguments.rowCount { result.put(try body(a[row], b[row], c[row]), row) }
    }
    return result.finish(arguments.rowCount)
  }
}

extension UserFunction where Arguments == (ColumnExpression, ColumnExpression, ColumnExpression) {
  public func callAsFunction(_ a: ColumnExpression, _ b: ColumnExpression, _ c: ColumnExpression) -> ColumnExpression {
    call([a, b, c])
  }
}

/// A function of four arguments for expressions, called once a row in a loop that is compiled for its types.
///
/// Where an argument that is not optional is null, the function is not called and the result is null.
///
/// - Parameters:
///   - name: its name in plans and messages, unique in the pipeline.
///   - body: may be called on several threads at a time; an error that it throws stops the job.
@inlinable
public func udf<
  A: FunctionValue, B: FunctionValue, C: FunctionValue, D: FunctionValue, R: FunctionValue, Failure: Error
>(
  _ name: String, _ body: @escaping @Sendable (A, B, C, D) throws(Failure) -> R
) -> UserFunction<(ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression)> {
  UserFunction(
    name,
    parameters: [
      FunctionParameter(A.self), FunctionParameter(B.self), FunctionParameter(C.self), FunctionParameter(D.self),
    ], result: FunctionParameter(R.self)
  ) { arguments in
    let a = ArgumentCursor<A>(arguments, 0)
    let b = ArgumentCursor<B>(arguments, 1)
    let c = ArgumentCursor<C>(arguments, 2)
    let d = ArgumentCursor<D>(arguments, 3)
    var result = ResultCursor<R>(arguments)
    if let valid = result.valid {
      for row in 0..<arguments.rowCount {
        if Bits.get(valid, row) {
          result.put(try body(a[row], b[row], c[row], d[row]), row)
        } else {
          result.skip(row)
        }
      }
    } else {
      for row in 0..<arguments.rowCount { result.put(try body(a[row], b[row], c[row], d[row]), row) }
    }
    return result.finish(arguments.rowCount)
  }
}

extension UserFunction where Arguments == (ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression) {
  public func callAsFunction(_ a: ColumnExpression, _ b: ColumnExpression, _ c: ColumnExpression, _ d: ColumnExpression)
    -> ColumnExpression
  { call([a, b, c, d]) }
}

/// A function of five arguments for expressions, called once a row in a loop that is compiled for its types.
///
/// Where an argument that is not optional is null, the function is not called and the result is null.
///
/// - Parameters:
///   - name: its name in plans and messages, unique in the pipeline.
///   - body: may be called on several threads at a time; an error that it throws stops the job.
@inlinable
public func udf<
  A: FunctionValue, B: FunctionValue, C: FunctionValue, D: FunctionValue, E: FunctionValue, R: FunctionValue,
  Failure: Error
>(
  _ name: String, _ body: @escaping @Sendable (A, B, C, D, E) throws(Failure) -> R
) -> UserFunction<(ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression)> {
  UserFunction(
    name,
    parameters: [
      FunctionParameter(A.self), FunctionParameter(B.self), FunctionParameter(C.self), FunctionParameter(D.self),
      FunctionParameter(E.self),
    ], result: FunctionParameter(R.self)
  ) { arguments in
    let a = ArgumentCursor<A>(arguments, 0)
    let b = ArgumentCursor<B>(arguments, 1)
    let c = ArgumentCursor<C>(arguments, 2)
    let d = ArgumentCursor<D>(arguments, 3)
    let e = ArgumentCursor<E>(arguments, 4)
    var result = ResultCursor<R>(arguments)
    if let valid = result.valid {
      for row in 0..<arguments.rowCount {
        if Bits.get(valid, row) {
          result.put(try body(a[row], b[row], c[row], d[row], e[row]), row)
        } else {
          result.skip(row)
        }
      }
    } else {
      for row in 0..<arguments.rowCount { result.put(try body(a[row], b[row], c[row], d[row], e[row]), row) }
    }
    return result.finish(arguments.rowCount)
  }
}

extension UserFunction
where Arguments == (ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression) {
  public func callAsFunction(
    _ a: ColumnExpression, _ b: ColumnExpression, _ c: ColumnExpression, _ d: ColumnExpression, _ e: ColumnExpression
  ) -> ColumnExpression { call([a, b, c, d, e]) }
}

/// A function of six arguments for expressions, called once a row in a loop that is compiled for its types.
///
/// Where an argument that is not optional is null, the function is not called and the result is null.
///
/// - Parameters:
///   - name: its name in plans and messages, unique in the pipeline.
///   - body: may be called on several threads at a time; an error that it throws stops the job.
@inlinable
public func udf<
  A: FunctionValue, B: FunctionValue, C: FunctionValue, D: FunctionValue, E: FunctionValue, F: FunctionValue,
  R: FunctionValue, Failure: Error
>(
  _ name: String, _ body: @escaping @Sendable (A, B, C, D, E, F) throws(Failure) -> R
) -> UserFunction<
  (ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression)
> {
  UserFunction(
    name,
    parameters: [
      FunctionParameter(A.self), FunctionParameter(B.self), FunctionParameter(C.self), FunctionParameter(D.self),
      FunctionParameter(E.self), FunctionParameter(F.self),
    ], result: FunctionParameter(R.self)
  ) { arguments in
    let a = ArgumentCursor<A>(arguments, 0)
    let b = ArgumentCursor<B>(arguments, 1)
    let c = ArgumentCursor<C>(arguments, 2)
    let d = ArgumentCursor<D>(arguments, 3)
    let e = ArgumentCursor<E>(arguments, 4)
    let f = ArgumentCursor<F>(arguments, 5)
    var result = ResultCursor<R>(arguments)
    if let valid = result.valid {
      for row in 0..<arguments.rowCount {
        if Bits.get(valid, row) {
          result.put(try body(a[row], b[row], c[row], d[row], e[row], f[row]), row)
        } else {
          result.skip(row)
        }
      }
    } else {
      for row in 0..<arguments.rowCount { result.put(try body(a[row], b[row], c[row], d[row], e[row], f[row]), row) }
    }
    return result.finish(arguments.rowCount)
  }
}

extension UserFunction
where
  Arguments == (
    ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression, ColumnExpression
  )
{
  public func callAsFunction(
    _ a: ColumnExpression, _ b: ColumnExpression, _ c: ColumnExpression, _ d: ColumnExpression, _ e: ColumnExpression,
    _ f: ColumnExpression
  ) -> ColumnExpression { call([a, b, c, d, e, f]) }
}
