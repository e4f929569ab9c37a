#include "cli/nbctl/program.h"

namespace weft::apps {

int ovn_nbctl(int argc, char** argv) {
    return cli::nbctl::run(argc, argv);
}

}  // namespace weft::apps
