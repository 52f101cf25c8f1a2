import Arrow
import Base
import Dataflow
import Observability

extension BuiltinConnectors {
  static func flightServe(
    _ options: inout ConnectorOptions, _ schema: Schema, _ label: String, _ uid: String, _ log: EventLog?
  ) throws(Failure) -> SinkFactory {
    let serving = try FlightServing(&options, uid: uid)
    let guarantee = DeliveryGuarantee.atMostOnce(
      reason: "nobody acknowledges rows that subscribers get, and those on their way are gone with a failure")
    return SinkFactory(
      label: label, maximumParallelism: 1, guarantee: { guarantee },
      make: { _ in FlightServeSink(serving, schema, log) }
    )
  }

  static func flightListen(
    _ options: inout ConnectorOptions, _ schema: Schema, _ label: String, _ uid: String, _ codecs: CodecSet,
    _ log: EventLog?
  ) throws(Failure) -> SourceFactory {
    let taking = try FlightTaking(&options, uid: uid, reading: flightReading(codecs, uid))
    return SourceFactory(
      label: label, maximumParallelism: 1,
      guarantee: .atLeastOnce(
        reason: "clients send again what was not acknowledged, which a checkpoint may have had already")
    ) { _ in FlightListenSource(taking, schema, log) }
  }
}
