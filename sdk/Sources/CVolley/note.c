#include "volley.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

// Every plugin that links the SDK carries this note; the host reads it from the file before it loads the plugin.
VOLLEY_DEFINE_NOTE(VOLLEY_SDK_VERSION, "Swift " VOLLEY_SWIFT_VERSION ", clang " TEXT(__clang_major__) "." TEXT(__clang_minor__));
