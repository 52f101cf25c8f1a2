import Arrow
import Base
import Dataflow
import Observability
import VolleyPlan

extension BuiltinConnectors {
  static func generator(
    _ options: inout ConnectorOptions, _ schema: Schema, _ label: String
  ) throws(Failure) -> SourceFactory {
    let plan = try GeneratorPlan(&options, schema: schema)
    return SourceFactory(label: label, maximumParallelism: nil) { context throws(Failure) in
      try GeneratorSource(plan, context)
    }
  }

  static func files(
    _ format: String, _ options: inout ConnectorOptions, _ schema: Schema, _ badRecords: Plan.BadRecords,
    _ label: String, _ uid: String, _ codecs: CodecSet, _ log: EventLog?
  ) throws(Failure) -> SourceFactory {
    let patterns = try options.requiredStrings("path", meaning: "the path or pattern of the files to read")
    let text = try TextFormat(format, &options, schema)
    // Read when the plan is made, and here checked.
    if format != "lines" { _ = try SampleOptions(&options) }
    let place = options.place
    let compression = try InputCompression(&options, codecs, uid: uid)
    let policy = BadRecordPolicy(badRecords, place: place)
    let journal = SourceJournal(uid: uid, log: log)
    // Quoted line ends make it impossible to tell where a row of CSV begins without reading all before it.
    let isSplittable = format != "csv"
    let interleaved = try interleaved(&options)
    let isWatched = try options.bool("watch", default: false)
    let use = FileUse(
      reads: ReadFiles(place: place, paths: patterns, isWatched: isWatched), writes: policy.files(uid: uid))
    let makeInputs = fileInputs(
      patterns, isWatched: isWatched, isSplittable: isSplittable, policy, journal, compression)
    return SourceFactory(label: label, maximumParallelism: nil, files: use, counter: policy.counter) {
      context throws(Failure) in
      func source(_ inputs: FileInputs) throws(Failure) -> TextSource {
        try TextSource(
          .files(inputs), decoder: text.makeDecoder(journal), schema: schema, policy: policy,
          maxRecordBytes: text.maxRecordBytes, journal: journal, metrics: context.metrics, compression: compression)
      }
      let inputs = try makeInputs(context)
      guard let interleaved else { return try source(inputs) }
      return try InterleavedSource(interleaved, inputs, source)
    }
  }

  /// Makes the inputs of a subtask, of files of text.
  private static func fileInputs(
    _ patterns: [String], isWatched: Bool, isSplittable: Bool, _ policy: BadRecordPolicy, _ journal: SourceJournal,
    _ compression: InputCompression
  ) -> @Sendable (SubtaskContext) throws(Failure) -> FileInputs {
    let place = policy.place
    if isWatched {
      let files = WatchedFiles(
        patterns: patterns, place: place, isSplittable: isSplittable, policy: policy, journal: journal,
        compression: compression)
      return { context in
        FileInputs(
          watched: files, index: context.id.index, parallelism: context.parallelism, place: place, policy: policy)
      }
    }
    let files = FileSet(patterns: patterns, place: place, isSplittable: isSplittable, compression: compression)
    return { context throws(Failure) in
      FileInputs(
        try files.splits(), index: context.id.index, parallelism: context.parallelism, place: place, policy: policy,
        journal: journal, mayGrow: true)
    }
  }

  /// Files that an instance reads at once; nil: one after the other.
  private static func interleaved(_ options: inout ConnectorOptions) throws(Failure) -> Int? {
    let count = try options.int("interleave", in: 1...1024) ?? 1
    return count > 1 ? Int(count) : nil
  }

  static func arrowFiles(
    _ format: String, _ options: inout ConnectorOptions, _ schema: Schema, _ label: String, _ uid: String,
    _ codecs: CodecSet, _ log: EventLog?
  ) throws(Failure) -> SourceFactory {
    let patterns = try options.requiredStrings("path", meaning: "the path or pattern of the files to read")
    let place = options.place
    let reading = arrowReading(codecs, uid)
    let interleaved = try interleaved(&options)
    let isWatched = try options.bool("watch", default: false)
    let use = FileUse(reads: ReadFiles(place: place, paths: patterns, isWatched: isWatched), writes: nil)
    let isStream = format == "arrowstream"
    let makeInputs = arrowInputs(
      patterns, isWatched: isWatched, isStream: isStream, place, SourceJournal(uid: uid, log: log), reading)
    return SourceFactory(label: label, maximumParallelism: nil, files: use) { context throws(Failure) in
      func source(_ inputs: FileInputs) throws(Failure) -> any FileReadingSource {
        isStream
          ? try ArrowStreamSource(inputs, schema: schema, place: place, options: reading)
          : try ArrowFileSource(inputs, schema: schema, options: reading)
      }
      let inputs = try makeInputs(context)
      guard let interleaved else { return try source(inputs) }
      return try InterleavedSource(interleaved, inputs, source)
    }
  }

  /// Makes the inputs of a subtask, of Arrow files.
  private static func arrowInputs(
    _ patterns: [String], isWatched: Bool, isStream: Bool, _ place: String, _ journal: SourceJournal,
    _ reading: IPCReadOptions
  ) -> @Sendable (SubtaskContext) throws(Failure) -> FileInputs {
    if isWatched {
      let files = WatchedFiles(
        patterns: patterns, place: place, isSplittable: false, policy: BadRecordPolicy(.stop, place: place),
        journal: journal)
      return { context in
        FileInputs(watched: files, index: context.id.index, parallelism: context.parallelism, place: place)
      }
    }
    let files = FileSet(patterns: patterns, place: place, isSplittable: false)
    return { context throws(Failure) in
      var splits = try files.splits()
      if !isStream { splits = try FileSplit.arrowSplits(of: splits, options: reading) }
      return FileInputs(splits, index: context.id.index, parallelism: context.parallelism, place: place)
    }
  }

  static func arrowReading(_ codecs: CodecSet, _ uid: String) -> IPCReadOptions {
    var reading = IPCReadOptions()
    reading.codecs = codecs
    reading.uid = uid
    return reading
  }

  static func standardInput(
    _ options: inout ConnectorOptions, _ schema: Schema, _ badRecords: Plan.BadRecords, _ label: String,
    _ uid: String, _ codecs: CodecSet, _ log: EventLog?
  ) throws(Failure) -> SourceFactory {
    guard let format = try options.choice("format", of: ["csv", "jsonlines", "lines", "arrowstream"]) else {
      throw Failure(
        .usage, "\(options.place): the option 'format' is missing; give one of csv, jsonlines, lines, arrowstream")
    }
    if format == "arrowstream" {
      let place = options.place
      let reading = arrowReading(codecs, uid)
      let use = FileUse(reads: ReadFiles(stdinOf: place), writes: nil)
      return SourceFactory(label: label, maximumParallelism: 1, files: use, guarantee: stdinGuarantee) {
        _ throws(Failure) in
        UnrepeatableSource(
          try ArrowStreamSource(
            nil, stdin: InputFile(descriptor: 0, name: "stdin"), schema: schema, place: place, options: reading))
      }
    }
    let text = try TextFormat(format, &options, schema)
    let compression = try InputCompression(&options, codecs, uid: uid)
    let policy = BadRecordPolicy(badRecords, place: options.place)
    let journal = SourceJournal(uid: uid, log: log)
    let use = FileUse(reads: ReadFiles(stdinOf: options.place), writes: policy.files(uid: uid))
    return SourceFactory(
      label: label, maximumParallelism: 1, files: use, counter: policy.counter, guarantee: stdinGuarantee
    ) { context throws(Failure) in
      UnrepeatableSource(
        try TextSource(
          .stdin(InputFile(descriptor: 0, name: "stdin")), decoder: text.makeDecoder(journal), schema: schema,
          policy: policy, maxRecordBytes: text.maxRecordBytes, journal: journal, metrics: context.metrics,
          compression: compression))
    }
  }

  private static let stdinGuarantee = DeliveryGuarantee.atMostOnce(
    reason: "what was read from standard input cannot be read again")
}

/// A text format's options, checked against the schema.
struct TextFormat: Sendable {
  private let name: String
  private let schema: Schema
  private let dialect: CSVDialect
  let maxRecordBytes: Int

  init(_ name: String, _ options: inout ConnectorOptions, _ schema: Schema) throws(Failure) {
    self.name = name
    self.schema = schema
    dialect = name == "csv" ? try options.csvDialect() : CSVDialect()
    try BuiltinConnectors.checkTypes(schema.fields, isRead: true, nests: name != "csv", options.place)
    maxRecordBytes = Int(try options.int("maxRecordBytes", in: 1...(1 << 30)) ?? 16 << 20)
    guard name != "lines" || (schema.fields.count == 1 && schema.fields[0].type == .utf8) else {
      throw Failure(
        .usage, "\(options.place): the schema is \(schema), expected a single utf8 column, which takes each line")
    }
  }

  func makeDecoder(_ journal: SourceJournal) -> any RecordDecoder {
    switch name {
    case "csv": CSVDecoder(schema: schema, dialect: dialect, journal: journal)
    case "jsonlines": JSONLinesDecoder(fields: schema.fields)
    default: LinesDecoder(column: schema.fields[0])
    }
  }
}
