/// The order in which the parts of a job are opened: sinks first, sources last, so that no row comes before the one who takes
/// it is ready.
enum OpenOrder: CaseIterable {
  case sinks, operators, sources
}
