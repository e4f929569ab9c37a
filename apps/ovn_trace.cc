#include "cli/trace/program.h"

namespace weft::apps {

int ovn_trace(int argc, char** argv) {
    return cli::trace::run(argc, argv);
}

}  // namespace weft::apps
