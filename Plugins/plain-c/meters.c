// The pipeline 'meters': what electricity meters tell, looked at with every kind of code that a plugin can bring. Plugins/meters is the
// same pipeline in Swift; both give the same rows.
#include <stdlib.h>
#include <string.h>

#include "plain.h"

// The plan, as 'volley-host inspect --format json' shows that of Plugins/meters. It has ' for ", and the values of
// parameters for $input, $interleave and $output.
static const char plan_text[] =
    "{'version': {'major': 0, 'minor': 2}, 'name': 'meters', 'nodes': ["
    "{'id': 0, 'uid': 'readings', 'parallelism': 1, 'inputs': [], 'operator': {'source': {'implementation': {'connector': "
      "{'name': 'csv', 'options': {'path': $input, 'header': true, 'delimiter': ',', 'interleave': $interleave}}}, "
      "'schema': [{'name': 'meter', 'type': 'int64', 'nullable': false}, {'name': 'at', 'type': {'timestamp': {'unit': "
      "'us'}}, 'nullable': false}, {'name': 'watts', 'type': 'int64', 'nullable': false}], 'badRecords': {'stop': {}}}}},"
    "{'id': 1, 'inputs': [{'node': 0, 'output': 0}], 'operator': {'eventTime': {'column': 'time', 'outOfOrderness': 0, "
      "'undated': 'stop', 'assigner': {'function': 'clocks', 'label': 'clocks', 'columns': [{'name': 'at', 'type': "
      "{'timestamp': {'unit': 'us'}}, 'nullable': true}], 'period': 1000000}}}},"
    "{'id': 2, 'inputs': [{'node': 1, 'output': 0}], 'operator': {'keyBy': {'keys': [{'name': 'meter', 'expression': "
      "{'column': 'meter'}}]}}},"
    "{'id': 3, 'uid': 'jumps', 'inputs': [{'node': 2, 'output': 0}], 'operator': {'process': {'function': 'jumps', "
      "'label': 'jumps', 'columns': [{'name': 'at', 'type': {'timestamp': {'unit': 'us'}}, 'nullable': true}, {'name': "
      "'watts', 'type': 'int64', 'nullable': true}], 'key': [{'name': 'meter', 'type': 'int64', 'nullable': true}], "
      "'states': [{'name': 'last', 'kind': 'value', 'schema': [{'name': 'value', 'type': 'int64', 'nullable': false}]}, "
      "{'name': 'jumps', 'kind': 'list', 'schema': [{'name': 'value', 'type': 'int64', 'nullable': false}]}, {'name': "
      "'hours', 'kind': 'map', 'schema': [{'name': 'value', 'type': 'int64', 'nullable': false}], 'mapKey': {'name': "
      "'key', 'type': 'int64', 'nullable': false}}, {'name': 'silence', 'kind': 'value', 'schema': [{'name': 'value', "
      "'type': 'int64', 'nullable': false}]}], 'outputs': [[{'name': 'meter', 'type': 'int64', 'nullable': false}, "
      "{'name': 'end', 'type': {'timestamp': {'unit': 'us'}}, 'nullable': false}, {'name': 'jumps', 'type': 'int64', "
      "'nullable': false}], [{'name': 'meter', 'type': 'int64', 'nullable': false}, {'name': 'hour', 'type': {'timestamp': "
      "{'unit': 'us'}}, 'nullable': false}, {'name': 'readings', 'type': 'int64', 'nullable': false}]]}}},"
    "{'id': 4, 'uid': 'minutes-out', 'inputs': [{'node': 3, 'output': 0}], 'operator': {'sink': {'implementation': "
      "{'connector': {'name': 'jsonlines', 'options': {'path': '$output/minutes/'}}}}}},"
    "{'id': 5, 'uid': 'hours-out', 'inputs': [{'node': 3, 'output': 1}], 'operator': {'sink': {'implementation': "
      "{'connector': {'name': 'jsonlines', 'options': {'path': '$output/hours/'}}}}}},"
    "{'id': 6, 'inputs': [{'node': 1, 'output': 0}], 'operator': {'keyBy': {'keys': [{'name': 'meter', 'expression': "
      "{'column': 'meter'}}]}}},"
    "{'id': 7, 'uid': 'loads', 'inputs': [{'node': 6, 'output': 0}], 'operator': {'window': {'assigner': {'sliding': "
      "{'size': 120000000, 'slide': 60000000, 'offset': 0}}, 'scope': 'key', 'time': 'event', 'allowedLateness': 0, "
      "'late': 'drop', 'emission': 'final', 'aggregates': [{'function': 'load', 'name': 'load', 'user': {'function': "
      "'load', 'arguments': [{'name': 'watts', 'type': 'int64', 'expression': {'column': 'watts'}}], 'accumulator': "
      "[{'name': 'sum', 'type': 'int64', 'nullable': false}, {'name': 'readings', 'type': 'int64', 'nullable': false}, "
      "{'name': 'peak', 'type': 'int64', 'nullable': false}], 'result': {'name': 'result', 'type': 'float64', 'nullable': "
      "false}}}, {'function': 'count', 'name': 'readings'}]}}},"
    "{'id': 8, 'uid': 'loads-out', 'inputs': [{'node': 7, 'output': 0}], 'operator': {'sink': {'implementation': "
      "{'connector': {'name': 'jsonlines', 'options': {'path': '$output/loads/'}}}}}},"
    "{'id': 9, 'inputs': [{'node': 1, 'output': 0}], 'operator': {'keyBy': {'keys': [{'name': 'meter', 'expression': "
      "{'column': 'meter'}}]}}},"
    "{'id': 10, 'uid': 'load', 'inputs': [{'node': 9, 'output': 0}], 'operator': {'aggregate': {'aggregates': "
      "[{'function': 'load', 'name': 'load', 'user': {'function': 'load', 'arguments': [{'name': 'watts', 'type': 'int64', "
      "'expression': {'column': 'watts'}}], 'accumulator': [{'name': 'sum', 'type': 'int64', 'nullable': false}, {'name': "
      "'readings', 'type': 'int64', 'nullable': false}, {'name': 'peak', 'type': 'int64', 'nullable': false}], 'result': "
      "{'name': 'result', 'type': 'float64', 'nullable': false}}}], 'emission': 'per-record'}}},"
    "{'id': 11, 'uid': 'load-out', 'inputs': [{'node': 10, 'output': 0}], 'operator': {'sink': {'implementation': "
      "{'connector': {'name': 'jsonlines', 'options': {'path': '$output/load/'}}}}}},"
    "{'id': 12, 'inputs': [{'node': 1, 'output': 0}], 'operator': {'keyBy': {'keys': [{'name': 'meter', 'expression': "
      "{'column': 'meter'}}]}}},"
    "{'id': 13, 'uid': 'sessions', 'inputs': [{'node': 12, 'output': 0}], 'operator': {'window': {'assigner': {'session': "
      "{'gap': 45000000}}, 'scope': 'key', 'time': 'event', 'allowedLateness': 0, 'late': 'drop', 'emission': 'final', "
      "'aggregates': [{'function': 'load', 'name': 'load', 'user': {'function': 'load', 'arguments': [{'name': 'watts', "
      "'type': 'int64', 'expression': {'column': 'watts'}}], 'accumulator': [{'name': 'sum', 'type': 'int64', 'nullable': "
      "false}, {'name': 'readings', 'type': 'int64', 'nullable': false}, {'name': 'peak', 'type': 'int64', 'nullable': "
      "false}], 'result': {'name': 'result', 'type': 'float64', 'nullable': false}}}, {'function': 'count', 'name': "
      "'readings'}]}}},"
    "{'id': 14, 'uid': 'sessions-out', 'inputs': [{'node': 13, 'output': 0}], 'operator': {'sink': {'implementation': "
      "{'connector': {'name': 'jsonlines', 'options': {'path': '$output/sessions/'}}}}}},"
    "{'id': 15, 'inputs': [{'node': 1, 'output': 0}], 'operator': {'keyBy': {'keys': [{'name': 'meter', 'expression': "
      "{'column': 'meter'}}]}}},"
    "{'id': 16, 'uid': 'spreads', 'inputs': [{'node': 15, 'output': 0}], 'operator': {'window': {'assigner': {'tumbling': "
      "{'size': 300000000, 'offset': 0}}, 'scope': 'key', 'time': 'event', 'allowedLateness': 0, 'late': 'drop', "
      "'emission': 'final', 'aggregates': [], 'function': {'function': 'spread', 'label': 'spread', 'columns': [{'name': "
      "'watts', 'type': 'int64', 'nullable': true}], 'key': [{'name': 'meter', 'type': 'int64', 'nullable': true}], "
      "'outputs': [[{'name': 'meter', 'type': 'int64', 'nullable': false}, {'name': 'end', 'type': {'timestamp': {'unit': "
      "'us'}}, 'nullable': false}, {'name': 'spread', 'type': 'int64', 'nullable': false}, {'name': 'median', 'type': "
      "'int64', 'nullable': false}]]}}}},"
    "{'id': 17, 'uid': 'spreads-out', 'inputs': [{'node': 16, 'output': 0}], 'operator': {'sink': {'implementation': "
      "{'connector': {'name': 'jsonlines', 'options': {'path': '$output/spreads/'}}}}}},"
    "{'id': 18, 'inputs': [{'node': 1, 'output': 0}], 'operator': {'batchFunction': {'function': 'tariff', 'label': "
      "'tariff', 'columns': [{'name': 'meter', 'type': 'int64', 'nullable': true}, {'name': 'at', 'type': {'timestamp': "
      "{'unit': 'us'}}, 'nullable': true}, {'name': 'watts', 'type': 'int64', 'nullable': true}], 'outputs': [[{'name': "
      "'meter', 'type': 'int64', 'nullable': false}, {'name': 'at', 'type': {'timestamp': {'unit': 'us'}}, 'nullable': "
      "false}, {'name': 'watts', 'type': 'int64', 'nullable': false}, {'name': 'price', 'type': 'int64', 'nullable': "
      "false}]], 'async': {'capacity': 64, 'rowsPerCall': 8, 'timeout': 60000000, 'order': 'ordered'}}}},"
    "{'id': 19, 'inputs': [{'node': 18, 'output': 0}], 'operator': {'extend': {'columns': [{'name': 'cost', 'expression': "
      "{'userFunction': {'function': 'charge', 'arguments': [{'column': 'watts'}, {'column': 'price'}], 'parameterTypes': "
      "['int64', 'int64'], 'resultType': 'float64', 'acceptsNulls': false}}}]}}},"
    "{'id': 20, 'uid': 'costs-out', 'inputs': [{'node': 19, 'output': 0}], 'operator': {'sink': {'implementation': "
      "{'connector': {'name': 'jsonlines', 'options': {'path': '$output/costs/'}}}}}},"
    "{'id': 21, 'inputs': [{'node': 1, 'output': 0}], 'operator': {'batchFunction': {'function': 'samples', 'label': "
      "'samples', 'outputs': [[{'name': 'meter', 'type': 'int64', 'nullable': false}, {'name': 'at', 'type': {'timestamp': "
      "{'unit': 'us'}}, 'nullable': false}, {'name': 'taken', 'type': {'timestamp': {'unit': 'us'}}, 'nullable': "
      "false}]]}}},"
    "{'id': 22, 'uid': 'samples-out', 'inputs': [{'node': 21, 'output': 0}], 'operator': {'sink': {'implementation': "
      "{'connector': {'name': 'jsonlines', 'options': {'path': '$output/samples/'}}}}}}]}";

static int32_t create(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                      volley_instance *instance, volley_error *error) {
  static const struct {
    const char *function;
    uint32_t kind;
    make_instance *make;
  } functions[] = {
      {"clocks", VOLLEY_KIND_WATERMARK_ASSIGNER, make_clocks},
      {"jumps", VOLLEY_KIND_KEYED_PROCESS, make_jumps},
      {"load", VOLLEY_KIND_AGGREGATE, make_load},
      {"spread", VOLLEY_KIND_WINDOW_FUNCTION, make_spread},
      {"tariff", VOLLEY_KIND_ASYNC_FUNCTION, make_tariff},
      {"charge", VOLLEY_KIND_SCALAR_FUNCTION, make_charge},
      {"samples", VOLLEY_KIND_BATCH_FUNCTION, make_samples},
  };
  (void)plan;
  for (size_t index = 0; index < sizeof functions / sizeof *functions; index++) {
    if (functions[index].kind == kind && strcmp(functions[index].function, place->function) == 0) {
      return functions[index].make(host, instance, error);
    }
  }
  return fail(error, VOLLEY_DOMAIN_INTERNAL, "the plan names no such function");
}

static const volley_parameter parameters[] = {
    VOLLEY_TABLE(volley_parameter, .name = "input", .type = "string", .default_value = "\"data/readings.csv\"",
                 .description = "CSV files with meter, at and watts, a path or a pattern"),
    VOLLEY_TABLE(volley_parameter, .name = "interleave", .type = "int", .default_value = "1",
                 .description = "How many files are read at once; a meter is in one of them"),
    VOLLEY_TABLE(volley_parameter, .name = "output", .type = "string", .default_value = "\"out\"",
                 .description = "The folder for the results, each a folder in it"),
    VOLLEY_TABLE(volley_parameter, .name = "jump", .type = "int", .default_value = "500",
                 .description = "By how many watts a reading has to differ from the one before it to count as a jump"),
};

static const volley_parameter *parameter(const volley_pipeline *pipeline, uint32_t index) {
  (void)pipeline;
  return index < sizeof parameters / sizeof *parameters ? &parameters[index] : NULL;
}

static void release(volley_plan *plan) { free(plan->context); }

static int32_t make_plan(const volley_pipeline *pipeline, const char *values, uint64_t length, volley_plan *plan,
                         volley_error *error) {
  (void)pipeline;
  // Places in the plan, by parameter; of the folder the quotes are left out.
  const char *texts[3];
  size_t sizes[3], room = sizeof plan_text;
  for (int index = 0; index < 3; index++) {
    texts[index] = parameters[index].default_value;
    sizes[index] = strlen(texts[index]);
    // A name that is absent keeps its default.
    find_member(values, length, parameters[index].name, &texts[index], &sizes[index]);
    room += 16 * sizes[index];
  }
  texts[2]++;
  sizes[2] -= 2;
  char *json = malloc(room);
  if (json == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a plan");
  size_t size = 0;
  for (const char *at = plan_text; *at != 0; at++) {
    int index = *at == '$' ? 0 : 3;
    while (index < 3 && strncmp(at + 1, parameters[index].name, strlen(parameters[index].name)) != 0) index++;
    if (index < 3) {
      memcpy(json + size, texts[index], sizes[index]);
      size += sizes[index];
      at += strlen(parameters[index].name);
    } else {
      json[size++] = *at == '\'' ? '"' : *at;
    }
  }
  plan->json = json;
  plan->json_length = size;
  plan->context = json;
  plan->create = create;
  plan->release = release;
  return VOLLEY_OK;
}

const volley_pipeline meters_pipeline = VOLLEY_TABLE(
    volley_pipeline, .name = "meters", .version = "0.1.0",
    .description = "what electricity meters tell: jumps, loads, spreads, costs and samples", .parameter = parameter,
    .plan = make_plan);
