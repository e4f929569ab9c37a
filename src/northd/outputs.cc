#include "northd/outputs.h"

#include "incremental/definitions.h"

namespace weft::northd {

Outputs::Outputs() = default;
Outputs::~Outputs() = default;

}  // namespace weft::northd
