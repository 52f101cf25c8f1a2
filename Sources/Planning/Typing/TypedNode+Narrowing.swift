import Base
import VolleyPlan

extension [TypedNode] {
  /// The nodes, in topological order, without columns that nobody reads. What is read is found from the sinks
  /// backwards. Operators behind an exchange by key get the columns that they read alone, the others what there is;
  /// those that put rows together of such as they keep give the columns alone that are read of them.
  func narrowed() throws(Failure) -> [TypedNode] {
    let reads = try columnsRead()
    var streams: [Plan.Input: TypedStream] = [:]
    var result: [TypedNode] = []
    for whole in self {
      var inputs: [TypedStream] = []
      for (index, input) in whole.node.inputs.enumerated() {
        guard let stream = streams[input] else { preconditionFailure("nodes are narrowed after their inputs") }
        guard let read = reads.ofInputs[whole.node.id]?[index] else {
          precondition(
            stream.schema == whole.inputs[index].schema,
            "\(whole.node.placeName) reads all columns, and some are missing")
          inputs.append(stream)
          continue
        }
        let isNarrow = whole.planned.arrival(ofInput: index).isOfKeys
        inputs.append(isNarrow ? stream.keeping(read).stream : stream)
      }
      let needed = whole.outputs.indices.map { reads.ofOutputs[Plan.Input(node: whole.node.id, output: $0)] ?? [] }
      let outputs: [TypedStream]
      do throws(Failure) {
        outputs = try whole.planned.narrowed(whole.outputs, inputs, for: needed)
      } catch {
        throw error.within(whole.node.placeName)
      }
      for (output, stream) in outputs.enumerated() { streams[Plan.Input(node: whole.node.id, output: output)] = stream }
      result.append(
        TypedNode(
          node: whole.node, inputs: inputs, outputs: outputs, wholeInputs: whole.inputs, planned: whole.planned))
    }
    return result
  }

  private func columnsRead() throws(Failure) -> ColumnsRead {
    var reads = ColumnsRead()
    for typed in reversed() {
      let needed = typed.outputs.indices.map { reads.ofOutputs[Plan.Input(node: typed.node.id, output: $0)] ?? [] }
      let found: [Set<String>?]
      do throws(Failure) {
        found = try typed.planned.columnsRead(of: typed.inputs, for: needed)
      } catch {
        throw error.within(typed.node.placeName)
      }
      reads.ofInputs[typed.node.id] = zip(found, typed.inputs).map { names, stream in
        names.map { stream.read($0) }
      }
      for (index, input) in typed.node.inputs.enumerated() {
        reads.ofOutputs[input, default: []].formUnion(typed.inputs[index].read(found[index]))
      }
    }
    return reads
  }
}

extension TypedStream {
  /// The names of those that are read when `names` are, nil for all; one is, so that rows have a column.
  fileprivate func read(_ names: Set<String>?) -> Set<String> {
    guard let names else { return Set(schema.fields.map(\.name)) }
    let kept = keeping(names).stream.schema.fields
    return Set((kept.isEmpty ? Array(schema.fields.prefix(1)) : kept).map(\.name))
  }
}

/// The names of the columns that are read.
private struct ColumnsRead {
  /// By node and its input; nil for all.
  var ofInputs: [Int: [Set<String>?]] = [:]
  /// By output of a node, what those together read that read it.
  var ofOutputs: [Plan.Input: Set<String>] = [:]
}
