"""READ: a path, bytes, a file object, an array, a Pillow image or a Photo -> a :class:`~visavis.types.Photo`."""

from visavis.images._decode import decoding_cost as decoding_cost
from visavis.images._limits import Cost as Cost
from visavis.images._limits import memory_at_hand as memory_at_hand
from visavis.images.load import MAX_PIXELS as MAX_PIXELS
from visavis.images.load import MIN_BYTES_LIMIT as MIN_BYTES_LIMIT
from visavis.images.load import Source as Source
from visavis.images.load import captured as captured
from visavis.images.load import data_address as data_address
from visavis.images.load import encoded as encoded
from visavis.images.load import is_array_like as is_array_like
from visavis.images.load import name_of as name_of
from visavis.images.load import not_a_folder as not_a_folder
from visavis.images.load import read as read
from visavis.images.load import read_again as read_again
from visavis.images.load import read_comment as read_comment
from visavis.images.load import replaced_message as replaced_message
from visavis.images.load import save as save
from visavis.images.load import shown as shown
from visavis.images.load import shrink as shrink
from visavis.images.photo_label import PhotoLabel as PhotoLabel
from visavis.images.photo_label import strip_folders as strip_folders
