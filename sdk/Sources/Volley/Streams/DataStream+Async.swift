import VolleyPlan

/// The order of the results of a function that answers later.
public enum AnswerOrder: Sendable {
  /// That of the rows.
  case ordered
  /// As they are there: a slow answer holds up nobody but those that were asked for with it.
  case unordered
}

extension DataStream {
  /// A row for each row, whose making may wait for somebody else: a service, a database.
  ///
  ///     orders.asyncMap("customer", capacity: 500, timeout: .seconds(5)) { (order: Order) in
  ///       let customer = try await customers.find(order.customer)
  ///       return Shipment(order: order.id, address: customer.address)
  ///     }
  ///
  /// Many rows are under way at a time; watermarks stay behind the rows that they came behind.
  ///
  /// - Parameters:
  ///   - name: what `inspect` and reports call it.
  ///   - capacity: rows that are under way in a subtask at the most; then no further ones are read.
  ///   - rowsPerCall: rows whose results come together.
  ///   - timeout: how long a row may take, or the job ends; nil: for ever.
  ///   - body: runs on threads of the plugin's; an error that it throws stops the job.
  public func asyncMap<In: RowValue & Sendable, Out: RowValue & Sendable>(
    _ name: String, capacity: Int = 256, rowsPerCall: Int = 16, timeout: Duration? = .seconds(60),
    order: AnswerOrder = .ordered, _ body: @escaping @Sendable (In) async throws -> Out
  ) -> DataStream {
    asyncFlatMap(name, capacity: capacity, rowsPerCall: rowsPerCall, timeout: timeout, order: order) { (row: In) in
      [try await body(row)]
    }
  }

  /// Any number of rows for each row: of a lookup that may find nothing, or several.
  public func asyncFlatMap<In: RowValue & Sendable, Out: RowValue & Sendable>(
    _ name: String, capacity: Int = 256, rowsPerCall: Int = 16, timeout: Duration? = .seconds(60),
    order: AnswerOrder = .ordered, _ body: @escaping @Sendable (In) async throws -> [Out]
  ) -> DataStream {
    let place = "\(name) \(environment.nextID)"
    if capacity < 1 || rowsPerCall < 1 {
      environment.report(
        "\(place): \(capacity) rows are under way at the most, \(rowsPerCall) in a call: give at least one")
    }
    if let timeout, timeout < .microseconds(1) {
      environment.report("\(place): the timeout is \(timeout.text); give at least a microsecond")
    }
    let code = FunctionCode(id: "\(name):\(environment.nextID)") { .asyncFunction(try AsyncInstance($0, body)) }
    environment.register([code])
    let output = Schema(Out.self)
    if let problem = output.problem { environment.report("\(place): \(problem)") }
    return environment.add(
      .batchFunction(
        .init(
          function: code.id, label: name, columns: environment.columns(In.self, place), outputs: [output.fields],
          async: .init(
            capacity: capacity, rowsPerCall: rowsPerCall,
            timeout: timeout.map { environment.microseconds($0, place) },
            order: order == .ordered ? .ordered : .unordered))),
      inputs: [input])
  }
}
