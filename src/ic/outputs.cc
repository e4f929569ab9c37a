#include "ic/outputs.h"

#include "incremental/definitions.h"

namespace weft::ic {

Outputs::Outputs() = default;
Outputs::~Outputs() = default;

}  // namespace weft::ic
