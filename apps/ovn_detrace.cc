#include "cli/detrace/program.h"

namespace weft::apps {

int ovn_detrace(int argc, char** argv) {
    return cli::detrace::run(argc, argv);
}

}  // namespace weft::apps
