#include "northd/inputs.h"

#include "incremental/definitions.h"

namespace weft::northd {

Inputs::Inputs(incremental::Engine& e) : engine(e) {}
Inputs::~Inputs() = default;

}  // namespace weft::northd
