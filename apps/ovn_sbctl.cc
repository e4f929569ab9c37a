#include "cli/sbctl/program.h"

namespace weft::apps {

int ovn_sbctl(int argc, char** argv) {
    return cli::sbctl::run(argc, argv);
}

}  // namespace weft::apps
