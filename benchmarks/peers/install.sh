#!/bin/sh
# The peers' environments, below the folder that is given: benchmarks/peers/install.sh peers
set -eu
folder=${1:?"a folder for the environments"}
python3 -m venv "$folder/trl"
"$folder/trl/bin/pip" install 'torch==2.13.0' 'transformers==5.23.0' 'trl==1.16.0'
python3 -m venv "$folder/trl-ppo" # the last version that has a PPO trainer
"$folder/trl-ppo/bin/pip" install 'torch==2.13.0' 'transformers==5.23.0' 'trl==1.0.0'
